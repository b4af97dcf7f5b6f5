"""Reports: the data, and one module for each form."""
