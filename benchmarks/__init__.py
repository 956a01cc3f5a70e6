"""Measurements that the docs quote; each module is one, run by hand."""
