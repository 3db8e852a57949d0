"""What exists: cards, openers, outlets, regions, and the ledger that counts every card and every fen."""
