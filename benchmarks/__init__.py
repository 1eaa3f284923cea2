"""Speed beside peers; none of it runs in the tests."""
