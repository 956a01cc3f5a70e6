"""The simulated fleet: accounts, nodes and their patches, each a function of the seed and the day."""
