"""Exports: a run as an RO-Crate, a data set as Croissant, a published artifact as a folder for the hub.

Each is read back by the library that its readers would use before it is given out.
"""
