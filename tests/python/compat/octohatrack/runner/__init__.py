"""Runs real octohatrack as a process of its own, with its own decorator or with outlive's.

Imported by that process alone, which has to start quickly; the tests' side is `tool.py`.
"""
