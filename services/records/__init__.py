"""All SQL of the product. One module per noun; every function takes a connection and commits nothing."""
