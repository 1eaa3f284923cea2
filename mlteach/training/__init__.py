"""What `mlteach.fit` is made of: a run, what makes it this run and no other, how it is kept, watched and interrupted."""
