"""Filters: one rule on one response, run as datatrove blocks, so that the same rule works in its executors too.

A filter is one module of this package, found by its name: it defines its settings, a class derived from `Settings`
whose `step` is the module's name, and `judge(text, settings)`, which answers None (the response stays as it is), a
`Fault` (it leaves, with the reason) or `Masked` (it stays, with parts replaced). A module without `judge` is a helper.
"""
