"""What people said of answers: read, screened, and turned into means, tests and rankings with intervals."""
