"""Figures for Prometheus: counted in each process, sampled and told when somebody asks.

Nothing outside of this package knows the library; services tell ``videoflix.ports.measures``.
"""
