"""The live view of `watch`: its words (`lines`), plain lines (`plain`), and the one in a terminal (`app`)."""
