"""Many calls of one function: maps over threads and tasks, and how far they are.

A call that finds its result never leaves the caller's thread. What is to be computed goes to daemon
threads of our own, or to tasks: at exit ``concurrent.futures`` waits for its threads, and a second
Ctrl-C is to leave at once. A bounded number of items is under way, so that they may be endless.
"""
