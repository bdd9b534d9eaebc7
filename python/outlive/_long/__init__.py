"""Many calls of one function: maps over threads and tasks, and their progress.

A call that finds its result never leaves the caller's thread. Calls that must compute go to daemon
threads of our own, or to tasks: ``concurrent.futures`` waits for its threads at exit, whereas a
second Ctrl-C should leave at once. The number of items under way is bounded, so that the items may
be endless.
"""
