"""The real server as a process, real clients, real sockets on loopback."""
