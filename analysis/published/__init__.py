"""Printed numbers of the papers we follow, each with its equation, table or figure, and what is assumed."""
