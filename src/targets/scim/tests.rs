//! Unit tests over a scripted server.
