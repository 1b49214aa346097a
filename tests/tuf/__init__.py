"""A TUF repository in memory and a server for it on loopback, with one override for each thing that can go wrong."""
