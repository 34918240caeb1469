"""How sure a number is, and whether two numbers differ by more than noise: pure, the standard library alone.

No random numbers: the same samples give the same answer. Each method names the literature that it is from.
"""
