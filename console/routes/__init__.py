"""What the product answers at its own addresses, one file a subject; console/route_table.py puts them together."""
