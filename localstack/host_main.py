"""
Starts LocalStack with the objects of its S3 below FILESYSTEM_ROOT. It has one fixed directory for them, which two
LocalStacks on one machine would share, and which stays behind.
"""

import os

from localstack.services.s3 import provider

provider.DEFAULT_S3_TMP_DIR = os.path.join(os.environ["FILESYSTEM_ROOT"], "s3")

if __name__ == "__main__":
    from localstack.runtime.main import main

    main()
