"""What happens when processes are killed, plugs are pulled and disks fail; real servers on real disks."""
