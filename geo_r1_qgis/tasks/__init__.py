"""Work off the GUI thread: QgsTask subclasses that leave an outcome object and touch no widget."""
