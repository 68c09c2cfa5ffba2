"""`revproxy dmz verify`: a process that is locked in as a worker tries what a worker must not be able to do.

`network` and `system` have the attempts, `probe` is the process, `run` starts it and gathers what it says.
"""
