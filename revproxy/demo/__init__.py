"""The demo: internal servers, cases to send, and a table of what became of them. Above `app`, below `cli`."""
