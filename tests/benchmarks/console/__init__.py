"""The console's numbers: how soon it listens and shows, how much it takes, how little it needs."""
