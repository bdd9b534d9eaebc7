"""What outlive costs, measured against what people use today: ``make bench``.

All variants of one question run in one process, in short chunks that take turns in random order,
so that a busy machine slows all of them alike. Each variant has a loop of its own (CPython
specialises call sites), the empty loop is subtracted, the garbage collector is off. The figures
are the lower quartiles of the chunks (see ``timing.calm``); ratios are quotients of these.
"""
