"""Floor 8: the composition root. `prepare` does all that can fail, `build` plugs a worker together, `service` serves,
`worker` is a worker's process.

Nothing is imported here: a supervisor has no use for what workers are built from, nor they for what reads files.
"""
