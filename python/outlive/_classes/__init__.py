"""Values of classes: which come back, how they are taken apart, and how they are put together."""
