"""What integration tests share: the test web, a daemon to run against it, and two judges of what happened.

Python 3.11 and python3-lmdb of Debian 12 are enough; nothing is installed from elsewhere.
"""
