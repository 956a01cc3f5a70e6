"""Lambda on this machine: processes of the deployed handlers, and the queues and the schedule that invoke them."""
