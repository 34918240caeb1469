"""Read the inputs, evaluate the rules, make one Report: the one entrance for all faces."""
