"""The hooks, a folder for each library."""
