"""What the product does. Views, tasks, consumers and commands are thin doors to these modules."""
