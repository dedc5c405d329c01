"""One file a peer, each with the configuration it is measured with."""
