"""What trains and records the results of each lesson, named by lesson; none of it runs in the tests."""
