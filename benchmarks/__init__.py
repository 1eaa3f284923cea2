"""Measurements that back the lessons; none of them runs in the tests."""
