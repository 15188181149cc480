"""Simulations over many subjects: a pool of processes around `engine.simulation`, and the little of
the world that a simulation with stock and capacity needs.
"""
