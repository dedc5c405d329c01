"""The contract: `.proto` files, their generated stubs, and the strings that two processes must agree on."""
