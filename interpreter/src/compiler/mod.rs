//! Syntax tree in, code templates out: scopes, definite assignment, register allocation, emission.
