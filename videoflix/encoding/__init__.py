"""Encoding jobs: claimed by lease, run in a supervised child, published under a fence."""
