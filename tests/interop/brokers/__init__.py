"""Brokers that other people wrote, started for one test run: own ports of 127.0.0.1, own folders, own users and certificates."""
