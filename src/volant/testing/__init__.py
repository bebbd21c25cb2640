"""What tests of Volant and of projects built on it may use: a clock and ids under control."""
