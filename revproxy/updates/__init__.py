"""Floor 7: the supply of signatures. What is offered (TUF repositories, archives), whether it may be believed, what
is on disk, and which of it is in force; and making such a repository.

`app.supply` drives an update; compiling sets and running their samples is not done here.
"""
