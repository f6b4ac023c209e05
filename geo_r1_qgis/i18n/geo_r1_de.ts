<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1">
<context>
    <name>AnswersController</name>
    <message>
        <source>Exported answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} answers written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kept in {file}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersPanel</name>
    <message>
        <source>Answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the chosen answers, or all of them, to a new file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export answers to a new file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers of this session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Up and Down flash an answer on the map, Enter goes there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} found</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersTree</name>
    <message>
        <source>What was found: here, on the map, and in a GeoPackage at once.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskPanel</name>
    <message>
        <source>One object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What will be sent: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Esc</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop the answer (Esc)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the largest storage tank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What to find</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter asks, Esc stops, Up and Down bring earlier questions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Say in plain words what to find. ↑ ↓ bring earlier questions back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is sought: one object, all objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Raster layer to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Area to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Current view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drawn rectangle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Draw…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Draw the rectangle on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Find</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Area</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskWords</name>
    <message>
        <source>Waiting for the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Taking the picture…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sending…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In the queue: {count} before you</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not usable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model answered: none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No such object here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer has no usable box</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It reached its limit of {count} tokens; what was complete is on the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer was cut short</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A part of the answer could not be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About the picture that was sent</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Capture</name>
    <message>
        <source>The raster layer was removed before its picture was taken.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” could not be drawn: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” has no data in this area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move the map to where the raster has a picture.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Parts of “{layer}” could not be drawn: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{percent} % of the picture has no data.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The picture could not be encoded as PNG.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CapturePlan</name>
    <message>
        <source>1 chip {width}×{height} px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>(ground size not known: no CRS)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>at {size} m/px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>(native {size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The area is empty: draw a rectangle or zoom to the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The area is too narrow: draw one that is less of a line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no raster layer to look at: add one to the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” is not a raster layer: choose one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” cannot be read: its file or address is not available.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” has no CRS: it is taken to be in the project's, {crs}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This area is not in the CRS of “{layer}” ({crs}): zoom to the layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{layer}” is not in this area: zoom to it, or choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CaptureTask</name>
    <message>
        <source>Geo-R1: taking the picture</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DetectionStore</name>
    <message>
        <source>The project is not saved yet; its detections are in {path}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>Export answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>GeoPackage (*.gpkg);;GeoJSON (*.geojson)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export answers to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>File to write</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Coordinate reference system of the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add it to the project</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>CRS</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ExportTask</name>
    <message>
        <source>Geo-R1: exporting</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Errors</name>
    <message>
        <source>That did not work</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The Geo-R1 service is not answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing answers at {url} ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start the service, or connect to another address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service fell silent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{url} sent nothing for {seconds:g} s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What it had found is kept. Ask again, or look into its log.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service went away in the middle of the answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection to {url} broke ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What it had found is kept. Ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer could not be understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In the answer, {path}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Plugin and service may be of different versions: update both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service did not start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{command}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Geo-R1 is not installed on this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No command “geo-r1” in {places} usual places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service does not accept the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter the token that the service’s owner gave you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service does not answer under this name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use the address under which the service was started.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Plugin and service are of different versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Update both to the same version.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service is stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask again in a moment: it is started anew.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Too many questions are waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service holds {limit} questions and all places are taken.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask again when one of them is answered.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What do you want to find?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The question is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type something like “the largest storage tank”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The question is too long</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Say it in one sentence.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No raster layer to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The project has no raster layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add an image: Layer ▸ Add Layer ▸ Add Raster Layer…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This model cannot do that</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look for one object or for all objects, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service does not have this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another model in the menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model failed while it was answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask again; if it fails again, the service’s log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This area cannot be sent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer could not be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The area is too large</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image has {given_px:,} pixels; the service accepts {limit_px:,}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Zoom in, or draw a smaller rectangle.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The area is too small</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Zoom out, or draw a larger rectangle.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The area is too narrow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Draw a rectangle that is less narrow.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image could not be read by the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image arrived incomplete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image arrived damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service no longer has the image</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image is too large to send</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its log says more; please report it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The plugin has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Please report it with the text under Details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install it with “pipx install geo-r1-backend”, or connect to a server.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Plugin</name>
    <message>
        <source>Ask the image…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Geo-R1: ask the image in plain words</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>HeaderPanel</name>
    <message>
        <source>Geo-R1 menu: service, server, models, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Service, server, models, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Status of the service: {line}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Service at {address}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking for the Geo-R1 service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ready in {seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>busy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Somebody else is asking. Your question will wait its turn.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service is starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{seconds:.0f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This takes longer than usual. Its log tells what it is doing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing answers at {url}. Is it running, and are you in its network?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service is not running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It starts by itself with your next question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service does not accept the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It was probably restarted just now: look again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter the token that the server’s owner gave you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service is too old for this plugin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The plugin is too old for this service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another program answers at {url}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start the service: it takes a free port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address of the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its log says more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It speaks version {theirs}, the plugin speaks {ours}. Update the older one.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Mend</name>
    <message>
        <source>Start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter token…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect to a server…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose command…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How to install…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How to update…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Update the plugin…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Notice</name>
    <message>
        <source>Details…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>request: {id}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>code: {code}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ReasoningPanel</name>
    <message>
        <source>Reasoning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model thinks aloud here. Point at a coordinate to see the place on the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reasoning of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tab goes from coordinate to coordinate, Enter shows it on the map</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SendingPreview</name>
    <message>
        <source>Draw a rectangle on the map.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ServerDialog</name>
    <message>
        <source>Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service of this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>geo-r1, found by itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Command that starts the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start it when it is needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Address of the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token for the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Images and questions are sent to this server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With http they and the token can be read on the way.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ServiceActions</name>
    <message>
        <source>Log of the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The log is empty: the service has not been started on this machine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looked at:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type this in a terminal, then choose “Look again” in the menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Update the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Your questions and pictures go to the server {url}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing. The service runs on this machine ({url}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With each question it gets the text of the question and one picture of the chosen area. The size of the picture stands under the question before you press Enter. Without a question nothing is sent; there is no telemetry and no account.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What leaves this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checking the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Every step is tried on a picture with a known answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check of the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Every step, tried on a picture with a known answer:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget the answers of this session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Log of the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What leaves this machine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How to install the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The service is a program of its own, so that nothing has to be installed into QGIS. Type one of these lines once in a terminal (Python 3.10 or newer; the second one in a clone of the repository), then choose “Start the service” in the menu. If it is installed already, say where it is under “Connect to a server…”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect to a server…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TextDialog</name>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
