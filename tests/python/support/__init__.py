"""What tests of several folders share: programs, threads, sameness, a stand-in for GitHub."""
