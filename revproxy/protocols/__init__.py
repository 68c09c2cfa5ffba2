"""Floor 4: protocols on the wire, without I/O: HTTP/1.1 and the pieces of SMTP."""
