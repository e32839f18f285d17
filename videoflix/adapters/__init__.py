"""Adapters: the ports implemented on databases, queues, mail servers and disks."""
