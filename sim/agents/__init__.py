"""Who decides: gangs, dealers, banks, operators, police units, the joint office (Mesa agents).

The state of gangs and dealers stands in tables, a row each; an agent is a view of its row, so that a million
rules run as arrays while each agent can still be read, subclassed and traced.
"""
