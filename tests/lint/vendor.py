"""What static/vendor holds of others is what VENDOR.json says, byte by byte, with its licences."""
import os
import subprocess
import sys

import tree

sys.exit(subprocess.run([sys.executable, os.path.join(tree.ROOT, "static", "vendor", "vendor.py"), "check"],
                        check=False).returncode)
