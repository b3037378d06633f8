"""Sweeps: one experiment over many seeds and parameter values. Pure logic: no Django, no broker.

Runs are numbered 0, 1, ... : point by point of the grid, seed by seed. Whoever computes them, in whatever pieces and
order, the merged result is the same: a piece keeps every single value, and statistics are taken of all of them at the
end.
"""
