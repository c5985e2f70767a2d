"""The HTTP/1.1 server: connections of clients, their requests, and the answers to them."""
