"""One module per rival: `load` reads a log into the tool's own form, `ASK` answers, `TELL` writes it plainly.

A rival imports its tool and the standard library only, and never dealtrace; `ours` alone imports dealtrace.
"""
